"""IBM's service as this package needs it: one connection, every fault named, no wait unbounded."""
