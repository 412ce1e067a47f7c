//! POP3 server (RFC 1939) and its extensions.
