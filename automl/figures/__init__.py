"""Figures of a search. They take plain data and know neither studies nor the database.

canvas        size, colours and PNG files of all printed figures
search/       figures of trials and parameters
images/       figures of images and classes
interactive/  the same figures for a page in a browser
"""
