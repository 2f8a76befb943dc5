"""IBM's service as this package needs it: one connection, jobs sent and fetched, every fault named, no wait unbounded."""
