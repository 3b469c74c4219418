"""Every MUST of the Engine.IO (4) and Socket.IO (5) protocols, asked of our server and of Node's.

Both run as programs of their own and are spoken to by hand, without any Socket.IO client.
"""
