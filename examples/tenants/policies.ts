import {
  type Client,
  defineWebhook,
  deny,
  isStatusError,
  type LabelSelector,
  Namespace,
  Pod,
  type Validate,
} from '@keelson/core';
import { labelsOf, prefix, Tenant, tenantLabel } from './tenant.ts';

const reserved: ReadonlySet<string> = new Set(['system', 'default', 'admin']);
const longestName = 63 - prefix.length;

export const validateTenant: Validate<Tenant> = ({ object: { metadata } }) => {
  const { name } = metadata;
  if (reserved.has(name)) return deny(`the name ${name} is reserved`);
  if (name.length > longestName)
    return deny([{ field: 'metadata.name', message: `has more than ${longestName} characters` }]);
  return undefined;
};

async function tenantOf(namespace: string, client: Client): Promise<Tenant | undefined> {
  try {
    return await client.get(Tenant, { name: namespace.slice(prefix.length) });
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** Images without a registry in their name come from Docker Hub. */
function fullName(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isRegistry = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  return isRegistry ? image : `docker.io/${rest.length > 0 ? image : `library/${image}`}`;
}

const imagesOf = ({ spec }: Pod) =>
  [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])].map(
    ({ image }) => image ?? '',
  );

const validateImages: Validate<Pod> = async ({ object, namespace = '' }, { client }) => {
  const { registries = [] } = (await tenantOf(namespace, client))?.spec ?? {};
  const foreign = imagesOf(object).find((image) => !registries.some((each) => fullName(image).startsWith(`${each}/`)));
  if (foreign === undefined) return undefined;
  return deny(`the image ${foreign} is not from ${registries.join(' or ') || 'a registry: the tenant has none'}`);
};

const inTenants: LabelSelector = { matchExpressions: [{ key: tenantLabel, operator: 'Exists' }] };

/** Asked about the namespaces of tenants only: no other one waits for this operator. */
const ofTenants = [{ name: 'of-tenants', expression: `request.name.startsWith('${prefix}')` }];

export const policies = [
  defineWebhook({
    name: 'names',
    for: Namespace,
    operations: ['CREATE'],
    matchConditions: ofTenants,
    async validate({ object: { metadata } }, { client }) {
      const tenant = await tenantOf(metadata.name, client);
      return tenant
        ? undefined
        : deny(`namespaces named ${prefix}… are made for Tenants, and there is none of that name`);
    },
  }),
  defineWebhook({
    name: 'labels',
    for: Namespace,
    operations: ['UPDATE'],
    matchConditions: ofTenants,
    async validate({ object: { metadata } }, { client }) {
      const tenant = await tenantOf(metadata.name, client);
      const wanted = Object.entries(tenant ? labelsOf(tenant) : {});
      const wrong = wanted.find(([label, value]) => metadata.labels?.[label] !== value);
      return wrong && deny(`the label ${wrong[0]} follows from the Tenant: ${wrong[1]}`);
    },
  }),
  defineWebhook({ name: 'images', for: Pod, namespaceSelector: inTenants, validate: validateImages }),
  defineWebhook({
    name: 'debug-images',
    for: Pod,
    operations: ['UPDATE'],
    subresources: ['ephemeralcontainers'],
    namespaceSelector: inTenants,
    validate: validateImages,
  }),
  defineWebhook({
    name: 'billing',
    for: Pod,
    namespaceSelector: inTenants,
    mutate({ object, namespace = '' }) {
      const labels = { ...object.metadata.labels, [tenantLabel]: namespace.slice(prefix.length) };
      return { ...object, metadata: { ...object.metadata, labels } };
    },
  }),
];
