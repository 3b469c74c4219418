"""Several servers on one database: what one of them does, the others' clients see."""
