-- When there may be something to tell next does not rest on the days of warnings any more: a renewal that is due is the first
-- such instant. Where none is known, the first look finds it out.
update certs set tell_at = case when renew_at > 0 then renew_at else 1 end where tell_at > renew_at;
delete from meta where name like 'tell_rule:%';
