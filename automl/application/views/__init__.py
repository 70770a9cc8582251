"""Views of a running search beside the live one.

progress_lines  plain lines that stay readable, in a script, a notebook or a file
"""
