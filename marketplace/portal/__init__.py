"""The pages for subjects: server-rendered, plain, for a telephone; nothing on them needs a script."""
