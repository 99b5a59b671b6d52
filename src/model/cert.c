/* The fields of a certificate: columns of `certs`, `list --json` and `show --json`, and what `set` may name. */
#include "model/cert.h"

const struct field cert_fields[] = {
	FIELD(struct cert, id, FT_INT, F_KEY | F_HIDDEN, "row"),
	FIELD(struct cert, name, FT_STRING, 0, "its own name, also of its folder"),
	FIELD(struct cert, status, FT_STRING, 0, "pending, issued, failed, revoked or expired"),
	FIELD(struct cert, domains, FT_STRINGS, 0, "names and addresses it is for"),
	FIELD(struct cert, owner, FT_STRING, 0, "whose it is"),

	FIELD(struct cert, ca, FT_STRING, 0, "name or directory URL of the CA"),
	FIELD(struct cert, account, FT_STRING, 0, "account name; null: the CA's default account"),
	FIELD(struct cert, key_type, FT_STRING, 0, "type of the private key"),
	FIELD(struct cert, signature, FT_STRING, 0, "digest of the certificate request"),
	FIELD(struct cert, profile, FT_STRING, 0, "ACME profile"),
	FIELD(struct cert, preferred_chain, FT_STRING, 0, "common name of the wanted chain's top issuer"),
	FIELD(struct cert, country, FT_STRING, 0, "subject: country"),
	FIELD(struct cert, province, FT_STRING, 0, "subject: state or province"),
	FIELD(struct cert, city, FT_STRING, 0, "subject: locality"),
	FIELD(struct cert, organization, FT_STRING, 0, "subject: organization"),
	FIELD(struct cert, unit, FT_STRING, 0, "subject: organizational unit"),
	FIELD(struct cert, subject_email, FT_STRING, 0, "subject: mail address"),
	FIELD(struct cert, own_key, FT_SECRET, 0, "the person's own key, PEM"),
	FIELD(struct cert, own_csr, FT_STRING, 0, "the person's own certificate request, PEM"),

	FIELD(struct cert, key_policy, FT_STRING, 0, "what a renewal does with the key: new or same"),
	FIELD(struct cert, method, FT_STRING, 0, "how names are proved"),
	FIELD(struct cert, challenge, FT_STRING, 0, "challenge type"),
	FIELD(struct cert, webroot, FT_STRING, 0, "web root"),
	FIELD(struct cert, listen, FT_STRING, 0, "address of the own listener"),
	FIELD(struct cert, hook, FT_STRING, 0, "hook script"),
	FIELD(struct cert, well_known, FT_STRING, 0, "folder of http-01 tokens for the hook"),
	FIELD(struct cert, hook_chain, FT_BOOL, 0, "the hook is called once for all names"),
	FIELD(struct cert, renew_before, FT_STRING, 0, "own renewal policy: days or a fraction of the lifetime"),
	FIELD(struct cert, preflight, FT_BOOL, 0, "look first whether validation can succeed"),
	FIELD(struct cert, keystore, FT_STRING, 0, "also kept in this format"),
	FIELD(struct cert, keystore_password, FT_SECRET, 0, "password of the key store"),
	FIELD(struct cert, self_signed_first, FT_BOOL, 0, "a self-signed certificate stands in at first"),
	FIELD(struct cert, deploy_hooks, FT_STRINGS, 0, "run after this and every later renewal"),

	FIELD(struct cert, live_version, FT_INT, 0, "the version that live/NAME points to"),
	FIELD(struct cert, live_self_signed, FT_BOOL, 0, "the stand-in is live"),
	FIELD(struct cert, serial, FT_STRING, 0, "serial number, hexadecimal"),
	FIELD(struct cert, issuer, FT_STRING, 0, "issuer's name"),
	FIELD(struct cert, spki_sha256, FT_STRING, 0, "SHA-256 of the public key, hexadecimal"),
	FIELD(struct cert, not_before, FT_TIME, 0, "valid from"),
	FIELD(struct cert, not_after, FT_TIME, 0, "valid until"),
	FIELD(struct cert, issued_identity, FT_STRING, F_HIDDEN, "digest of what was wanted when it was issued"),
	FIELD(struct cert, renew_at, FT_TIME, 0, "when the next renewal or attempt is due"),
	FIELD(struct cert, retry_at, FT_TIME, 0, "after a failure, not before this"),
	FIELD(struct cert, failures, FT_INT, 0, "failures in a row"),
	FIELD(struct cert, last_error, FT_STRING, 0, "the last failure"),
	FIELD(struct cert, last_error_at, FT_TIME, 0, "when that was"),
	FIELD(struct cert, ari_id, FT_STRING, 0, "identifier of the renewal information (RFC 9773)"),
	FIELD(struct cert, ari_start, FT_TIME, 0, "start of the window the CA suggests"),
	FIELD(struct cert, ari_end, FT_TIME, 0, "end of it"),
	FIELD(struct cert, ari_renew_at, FT_TIME, 0, "the instant chosen in it"),
	FIELD(struct cert, ari_check_at, FT_TIME, 0, "when to ask the CA again"),
	FIELD(struct cert, ari_explanation_url, FT_STRING, 0, "why the CA suggests it"),
	FIELD(struct cert, new_key_needed, FT_BOOL, 0, "its key was revoked for compromise"),
	FIELD(struct cert, created_at, FT_TIME, 0, "when it was first asked for"),
	FIELD(struct cert, updated_at, FT_TIME, 0, "when this record changed"),
	FIELD_END
};

const char *const cert_identity_fields[] = {
	"domains", "ca", "key_type", "profile", "country", "province", "city", "organization", "unit",
	"subject_email", "own_key", "own_csr", NULL
};
