"""The command line: parse, one call, print.

main              the commands, loaded one at a time; a user's mistake is one message and exit code 2
parser            argparse without the usage block before each error
arguments         types of arguments and options that several commands share
device_argument   the option --device
search_arguments  options for what is searched and how
commands          one module a command
output            the one place that prints
printing          what commands print, in words and tables
"""
