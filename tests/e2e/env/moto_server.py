"""Runs moto's server, unchanged, with what it does unlike AWS put right from outside. python3 moto_server.py PORT

- The signature of a request without a body is made over an empty body, not over its query.
- A right is asked for the resource of the request's path, so that a policy naming one zone is one.
- AssumeRoleWithWebIdentity is not signed.
- A change batch is compared with what is in the zone now, not with all that was ever sent: a DELETE must repeat the set,
  a CREATE must find none; nothing of a batch is done if one of it cannot be (ChangeResourceRecordSets in AWS's reference).
"""

import copy
import sys

from moto.core.responses import ActionAuthenticatorMixin
from moto.iam.access_control import IAMRequestBase
from moto.route53.exceptions import Route53ClientError
from moto.route53.models import ChangeList, RecordSet, Route53Backend
from moto.route53.responses import Route53
from moto.server import main

make_request = IAMRequestBase._create_aws_request


def make_request_of_body(self):
    if self._method in ("GET", "HEAD", "DELETE"):
        self._data = b""
    return make_request(self)


authorize = ActionAuthenticatorMixin._authenticate_and_authorize_action


def authorize_signed(self, iam_request_cls, resource="*"):
    if self._get_action() != "AssumeRoleWithWebIdentity":
        authorize(self, iam_request_cls, resource)


def resource_of(self):
    words = self.parsed_url.path.strip("/").split("/")
    if len(words) >= 3 and words[1] in ("hostedzone", "change"):
        return f"arn:aws:route53:::{words[1]}/{words[2]}"
    return "*"


def plain(record_set):
    """A set as the request has it, with its values as a list."""
    record_set = copy.deepcopy(record_set)
    records = record_set.get("ResourceRecords")
    if isinstance(records, dict):
        records = records["ResourceRecord"]
        records = records if isinstance(records, list) else [records]
        record_set["ResourceRecords"] = [record["Value"] for record in records]
    record_set["Name"] = record_set["Name"].rstrip(".") + "."
    return record_set


change_sets = Route53Backend.change_resource_record_sets


def refuse(action, wanted, why):
    raise Route53ClientError("InvalidChangeBatch", f"[Tried to {action} resource record set [name='{wanted['Name']}', "
                                                   f"type='{wanted['Type']}'] but {why}]")


def change_sets_as_they_are(self, zoneid, change_list):
    zone = self.get_hosted_zone(zoneid)
    there = {(s.name, s.type_, s.set_identifier): s for s in zone.rrsets}
    for change in change_list:
        wanted = plain(change["ResourceRecordSet"])
        key = wanted["Name"], wanted["Type"], wanted.get("SetIdentifier")
        old = there.get(key)
        if change["Action"] == "CREATE" and old:
            refuse("create", wanted, "it already exists")
        if change["Action"] == "DELETE" and not old:
            refuse("delete", wanted, "it was not found")
        if change["Action"] == "DELETE" and (str(old.ttl), sorted(old.records)) != (
                wanted.get("TTL"), sorted(wanted.get("ResourceRecords", []))):
            refuse("delete", wanted, "the values provided do not match the current values")
        there[key] = None if change["Action"] == "DELETE" else RecordSet(wanted)
    change_sets(self, zoneid, change_list)


IAMRequestBase._create_aws_request = make_request_of_body
ActionAuthenticatorMixin._authenticate_and_authorize_action = authorize_signed
Route53._determine_resource = resource_of
Route53ClientError.code = 400
ChangeList.__contains__ = lambda self, item: False
ChangeList.has_insert_or_update = lambda self, item: True
Route53Backend.change_resource_record_sets = change_sets_as_they_are
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
