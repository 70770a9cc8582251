"""Interactive figures for a page in a browser, drawn with Plotly from the data of the printed ones.

plotly_page          layout and text of all interactive figures
plotly_trials        history, learning curves, baselines, architecture, effort
plotly_time          the best exportable model over time, forecast and real seconds of an epoch
plotly_tables        hyperparameter importance, parallel coordinates, confusion matrix
plotly_trade_off     value against size and latency
plotly_confirmation  values of the confirmed recipes
plotly_reliability   reliability diagram
"""
