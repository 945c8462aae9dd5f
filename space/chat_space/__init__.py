"""The Space: web pages and script endpoints over the HTTP API. It holds no state, no authority."""
