-- For which job of the API an order was made, and a version issued: taken up anew, it does not issue again.
alter table orders add column task text;
alter table versions add column task text;
-- What a job rests on (If-Match), until it has begun.
alter table tasks add column if_match text;
