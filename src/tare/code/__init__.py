"""What the files of a repository say about preprocessing; nothing of them is imported, run or unpickled."""
