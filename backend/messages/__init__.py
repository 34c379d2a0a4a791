"""What travels over HTTP, by topic; the service writes these messages and the client reads them."""
