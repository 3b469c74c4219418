"""The parts of the chat screen; none holds a conversation's state."""
