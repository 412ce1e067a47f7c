//! Administration: the operations behind the command line, over a unix socket.
