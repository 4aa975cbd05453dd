"""A survey: the audits of many graph files, over processes of this machine or over a Dask cluster."""
