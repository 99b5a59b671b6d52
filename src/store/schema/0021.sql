-- Events in the order of their time, jobs by what they do and by when they ended, requests by how they are proved.
drop index events_at;
create index events_at on events (at, id);
create index tasks_operation on tasks (operation, id);
create index tasks_by_end on tasks (ended_at, id);
create index certs_by_method on certs (method, name, status);
