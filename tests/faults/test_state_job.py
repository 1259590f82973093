"""The job file changes while its run is under way: a run has one job from its first page to its last."""

from __future__ import annotations

from sqlalchemy import text

from tests.flows.bench import JOB, Bench, record


def test_t10_a_job_file_replaced_in_mid_run(bench: Bench) -> None:
    """T10: all customers of a run bear one fingerprint and are mapped alike; the next run has the new job."""
    bench.source.records = [record(f"C-{number}", city="Bern") for number in range(9)]

    def replace(step: str) -> None:
        if step == "confirmed":
            (bench.folder / "job.yaml").write_text(JOB.replace("billingCity: city", "comment: city"))

    bench.run(on_step=replace)
    assert [held.keys() & {"billingCity", "comment"} for held in bench.target.customers.values()] == [
        {"billingCity"}
    ] * 9
    assert fingerprints(bench) == 1
    bench.job = (bench.folder / "job.yaml").read_text()
    assert "comment" in bench.job
    assert bench.run().counts.updated == 9
    assert fingerprints(bench) == 2


def fingerprints(bench: Bench) -> int:
    """Count the mappings under which customers are known or runs were made; each customer is known under the last."""
    with bench.ledger.reading() as connection:
        runs = connection.execute(text("SELECT DISTINCT fingerprint FROM runs")).scalars().all()
        customers = connection.execute(text("SELECT DISTINCT fingerprint FROM customers")).scalars().all()
        last = connection.execute(text("SELECT fingerprint FROM runs ORDER BY run DESC LIMIT 1")).scalar()
    assert customers == [last]
    return len(runs)
