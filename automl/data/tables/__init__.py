"""Tables of paths and labels.

listing        images named by tables
metadata       tables among the images of a folder or a zip
labelled_rows  path, label, split and group of each row
columns        the columns that they stand in
table_files    a CSV, in bounded memory
json_lines     a table of JSON objects
label_values   equal and missing labels
lookup         from the paths in a table to files
name_matching  files by the ends of their names
listed_images  the image files on the disk or in a container
"""
