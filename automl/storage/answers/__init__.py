"""Waiting for the database's answers: never without an end, never deaf to a signal, never without a word.

waiting       what every wait for an answer goes through
server_probe  whether a server answers anybody at all
lock_holders  whose lock a statement waits for
full_server   a server whose connections are all in use, and those that workers leave to commands
"""
