/*
 * Azure DNS (Microsoft.Network/dnsZones, 2018-05-01). Only whole sets: read, changed, and written
 * back under the set's ETag. Chunks of other values, metadata and the TTL are kept as they are.
 * Zones: azure_zone.c; sets: azure_set.c; how a token is got: azure_token.c.
 */
#include "dns/azure.h"

#include "dns/rrset.h"

static const struct field fields[] = {
	FIELD(struct azure_settings, subscription_id, FT_STRING, F_REQUIRED,
	      "the subscription that the zones are in"),
	FIELD(struct azure_settings, resource_group, FT_STRING, 0,
	      "the resource group of the zones; all of the subscription otherwise"),
	FIELD(struct azure_settings, tenant_id, FT_STRING, 0, "directory (tenant) ID"),
	FIELD(struct azure_settings, client_id, FT_STRING, 0,
	      "application (client) ID; for a managed identity: which, if there are several"),
	FIELD(struct azure_settings, client_secret, FT_SECRET, 0,
	      "the client secret's value (not its ID)"),
	FIELD(struct azure_settings, client_certificate, FT_SECRET, 0,
	      "certificate and RSA key as PEM, instead of a secret"),
	FIELD(struct azure_settings, federated_token_file, FT_STRING, F_HOST,
	      "file with a workload identity's token; AZURE_FEDERATED_TOKEN_FILE, AZURE_CLIENT_ID "
	      "and AZURE_TENANT_ID of the environment otherwise"),
	FIELD(struct azure_settings, credential, FT_STRING, 0,
	      "secret, certificate, workload or managed; otherwise by what is given, managed if "
	      "nothing is"),
	FIELD(struct azure_settings, cloud, FT_STRING, 0, "public (default), china or usgov"),
	FIELD(struct azure_settings, login_url, FT_STRING, F_PEER,
	      "address of the token service, in place of the cloud's own"),
	FIELD(struct azure_settings, metadata_url, FT_STRING, F_HOST,
	      "address of the machine's metadata service, in place of http://169.254.169.254"),
	FIELD(struct azure_settings, arc_folder, FT_STRING, F_HOST,
	      "folder of Azure Arc's challenges, in place of /var/opt/azcmagent/tokens"),
	FIELD_END
};

static int add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
               size_t n, struct err *e)
{
	return rrset_add(s, z, &azure_sets, v, n, e);
}

static int take_away(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                     size_t n, struct err *e)
{
	return rrset_remove(s, z, &azure_sets, v, n, e);
}

static void done(struct dns_session *s)
{
	oauth_done(s->state);
}

static const char setup[] =
    "In the Azure portal (or with the commands below) register an application in Microsoft Entra "
    "and give it the least that is needed, on the zone alone. The built-in role DNS Zone "
    "Contributor does; it may also change all other records. A role of your own that can only "
    "write TXT records is better:\n"
    "\n"
    "    az role definition create --role-definition '{\"Name\": \"DNS TXT Writer\", "
    "\"Description\": \"ACME challenges\", \"Actions\": [\"Microsoft.Network/dnsZones/read\", "
    "\"Microsoft.Network/dnsZones/TXT/read\", \"Microsoft.Network/dnsZones/TXT/write\", "
    "\"Microsoft.Network/dnsZones/TXT/delete\"], \"AssignableScopes\": "
    "[\"/subscriptions/SUBSCRIPTION\"]}'\n"
    "    az ad sp create-for-rbac --name everleaf --role \"DNS TXT Writer\" --scopes "
    "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.Network/dnszones/ZONE\n"
    "\n"
    "The last command prints appId (client_id), password (client_secret) and tenant (tenant_id). "
    "With --create-cert it makes a certificate instead of a password: give its file as "
    "client_certificate_file. With rights on single zones, name `resource_group` and `zone`, since "
    "the list of all zones may not be read then; with rights on the resource group the zone is "
    "found by itself.\n"
    "\n"
    "On a virtual machine, in App Service or with Azure Arc no secret is needed: switch on the "
    "managed identity, assign the role to it, and give subscription_id only. In Kubernetes, "
    "workload identity sets AZURE_FEDERATED_TOKEN_FILE, AZURE_CLIENT_ID and AZURE_TENANT_ID by "
    "itself. A machine with several identities needs client_id to say which.";

const struct dns_provider dns_azure = {
	.name = "azure",
	.title = "Azure DNS",
	.site = "https://learn.microsoft.com/rest/api/dns/record-sets",
	.setup = setup,
	.verified =
	    "Microsoft's description of the API (2018-05-01) through Prism, for requests and "
	    "answers; recorded traffic of the real service; assertions by python-cryptography",
	.fields = fields,
	.settings_size = sizeof(struct azure_settings),
	.ttl_s = 60,
	.min_ttl_s = 1,
	.settle_s = 60,
	.max_values = 20,
	.flags = DNS_READS_FIRST,
	.check = azure_check,
	.list_zones = azure_list_zones,
	.find_zone = azure_find_zone,
	.add = add,
	.remove = take_away,
	.close = done,
};
