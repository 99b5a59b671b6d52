-- How many certificates there are of each kind, and how many end soon, without reading them.
create index certs_status on certs (status, not_after);
