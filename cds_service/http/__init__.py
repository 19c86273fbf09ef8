"""The rim: routes, access, problems, health."""
