"""Work that outlives a request: batches, webhooks, renewal of evidence.

What is to be done stands in rows beside the register's, written in the transaction of what they follow from. With
PostgreSQL, Procrastinate hands them out to any number of `qujat worker` processes on any number of machines (`queue`);
with SQLite, one `qujat worker` hands them out to processes on its machine (`local`). What is done is the same.
"""
