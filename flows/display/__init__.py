"""What Prefect is shown of a run: names, page tasks, progress, artifacts and states; it decides nothing."""
