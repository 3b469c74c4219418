"""A deterministic simulation of the core: one seed is one run of people, network, disks, clocks."""
