"""Eight real-looking orders, played against a service that the demo starts and stops."""
