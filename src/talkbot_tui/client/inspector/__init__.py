"""What goes over the wire, as values: packets, filters, pairs, snippets, recordings; no I/O."""
