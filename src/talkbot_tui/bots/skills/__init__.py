"""What TalkBot can do, one module a skill."""
