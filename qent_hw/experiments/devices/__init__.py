"""How models for a device do on several of them: the measurements, the studies, and the page of both."""
