"""The server: accounts, rooms, the numbered log, and delivery over Socket.IO and HTTP."""
