"""The report of a search: a page for a browser and a README for GitHub, with the same content.

facts          reads the finished search from the database
study_clock    active search before a moment, from the workers' lives
winner         evaluates the winner on the data and on the test split
importance     hyperparameter importance, by Optuna
trial_points   from trials to the data of the figures
words          numbers, networks and recipes in words
sections/      the sections of the report
composing      the whole report, section by section
document       the content of a report, before it is Markdown or HTML
markdown       the content as a README.md
html_page      the content as one HTML page
report_folder  writes the folder of a report
"""
