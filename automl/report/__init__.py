"""The report of a search: a page for a browser and a README that GitHub shows, with the same content.

`facts` and `winner` read, `sections` and `winner_sections` say it, `markdown` and `page` write it.
"""
