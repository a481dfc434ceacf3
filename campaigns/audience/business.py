"""Business since a lapse: completed jobs of a contact after the one from which its silence is counted."""


def jobs_since(lapsed_from: str, contact: str) -> str:
    """SQL, FROM and WHERE, of the counted jobs ``j`` of a contact later than ``lapsed_from`` and not after now.

    For a subquery that stands beside ``s``, the contact's stat row: that row is over all jobs, so it tells without a
    look at them that there are none, which for nearly everybody is the answer. Parameters: tenant and now.
    """
    return f"""
 FROM campaigns_job j
WHERE s.last_job_at > {lapsed_from}
  AND j.tenant_id = %(tenant)s AND j.contact_id = {contact} AND j.status = 'completed'
  AND j.completed_at > {lapsed_from} AND j.completed_at <= %(now)s"""
