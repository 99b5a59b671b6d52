-- A name that stands above another one of its certificate is one of its names too, in whichever order they are.
update cert_names set whole = 1
where whole = 0 and domain <> cert
	and exists (select 1 from certs where certs.name = cert_names.cert and certs.domains <> replace(certs.domains, '"' || cert_names.domain || '"', ''));
