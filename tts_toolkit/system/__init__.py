"""What every layer uses: errors, files, folders, processes, memory, progress; nothing about speech."""
