"""Where records come from: AWS, a queue, a trail's files, a recording."""
