"""What a provider shows of a run: which commit, which words, which of several runs, when to tell it. Pure."""
