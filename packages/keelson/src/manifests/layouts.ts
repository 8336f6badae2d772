import type { KubernetesObject } from '@keelson/core';
import { Document, visit } from 'yaml';
import { allManifests, type OperatorManifests } from './operator-manifests.ts';

/** Files by their path within a folder. */
export type Files = ReadonlyMap<string, string>;

/** Everything in one stream of documents, for `kubectl apply -f -`. */
export function plainYaml(manifests: OperatorManifests): string {
  return documents(allManifests(manifests));
}

/** A base for `kubectl apply -k`, with what others will want to change in files of its own. */
export function kustomizeFiles(manifests: OperatorManifests, name: string): Files {
  const { namespace, crds, rbac, workload, webhooks } = manifests;
  const files = new Map([
    ['namespace.yaml', documents([namespace])],
    ...(crds.length > 0 ? [['crds.yaml', documents(crds)] as const] : []),
    ['rbac.yaml', documents(rbac)],
    ['operator.yaml', documents(workload)],
    ...(webhooks.length > 0 ? [['webhooks.yaml', documents(webhooks)] as const] : []),
  ]);
  const [image, tag] = splitImage(imageOf(workload));
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace: namespace.metadata.name,
    resources: [...files.keys()],
    images: [{ name: image, newTag: tag }],
    labels: [{ pairs: { 'app.kubernetes.io/part-of': name } }],
  };
  return new Map([['kustomization.yaml', text(kustomization)], ...files]);
}

/**
 * A chart. Definitions stand in `crds/`, where Helm installs them first and never deletes them; or, where the release's
 * namespace must stand in them because they are converted by a webhook, in a template that is kept all the same.
 */
export function helmFiles(manifests: OperatorManifests, name: string, version: string): Files {
  const { namespace, crds, rbac, workload, webhooks } = manifests;
  const [repository, tag] = splitImage(imageOf(workload));
  const templated = (objects: readonly KubernetesObject[]) =>
    documents(objects.map((each) => inRelease(each, namespace.metadata.name ?? '')))
      // Braces of descriptions and expressions are none of a template.
      .replaceAll('{{', '{{ "{{" }}')
      .replaceAll(releaseNamespace, '{{ .Release.Namespace }}');
  const operator = templated(workload)
    .replaceAll(`image: ${imageOf(workload)}`, 'image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"')
    .replace(/replicas: \d+/, 'replicas: {{ .Values.replicas }}');
  const placed = crds.filter((each) => isPlaced(each, namespace.metadata.name ?? ''));
  const plain = crds.filter((each) => !placed.includes(each));
  return new Map([
    [
      'Chart.yaml',
      text({
        apiVersion: 'v2',
        name,
        description: `The ${name} operator`,
        type: 'application',
        version,
        appVersion: tag,
      }),
    ],
    ['values.yaml', text({ image: { repository, tag }, replicas: replicasOf(workload) })],
    ...(plain.length > 0 ? [['crds/crds.yaml', documents(plain)] as const] : []),
    ...(placed.length > 0 ? [['templates/crds.yaml', templated(placed.map(kept))] as const] : []),
    ['templates/rbac.yaml', templated(rbac)],
    ['templates/operator.yaml', operator],
    ...(webhooks.length > 0 ? [['templates/webhooks.yaml', templated(webhooks)] as const] : []),
  ]);
}

/** Runs TypeScript as it is: Node 24 takes the types away by itself. */
export function dockerfile(entry: string): string {
  return `# syntax=docker/dockerfile:1
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev
COPY . .

FROM gcr.io/distroless/nodejs24-debian12:nonroot
WORKDIR /app
COPY --from=build /app /app
ENV NODE_ENV=production
ENTRYPOINT ["/nodejs/bin/node", "node_modules/@keelson/core/dist/run.js", "${entry}"]
`;
}

const releaseNamespace = 'RELEASE-NAMESPACE';

function inRelease(object: KubernetesObject, namespace: string): KubernetesObject {
  const rewritten: unknown = JSON.parse(JSON.stringify(object), (key, value: unknown) =>
    typeof value === 'string' ? placeIn(key, value, namespace) : value,
  );
  // Only texts were put in the place of texts.
  return rewritten as KubernetesObject;
}

/** Alone as a field or in a list, before the name of an object, or in the name of a Service's host. */
function placeIn(key: string, value: string, namespace: string): string {
  const alone = value === namespace && (key === 'namespace' || /^\d+$/.test(key));
  if (alone || value.startsWith(`${namespace}/`)) return `${releaseNamespace}${value.slice(namespace.length)}`;
  return value.replaceAll(`.${namespace}.svc`, `.${releaseNamespace}.svc`);
}

/** Whether it is another one in another namespace. */
function isPlaced(object: KubernetesObject, namespace: string): boolean {
  return JSON.stringify(inRelease(object, namespace)).includes(releaseNamespace);
}

/** Objects of a kind go with its definition, so that it outlives the release. */
function kept(object: KubernetesObject): KubernetesObject {
  const { metadata } = object;
  return {
    ...object,
    metadata: { ...metadata, annotations: { ...metadata.annotations, 'helm.sh/resource-policy': 'keep' } },
  };
}

function imageOf(workload: readonly KubernetesObject[]): string {
  const found = /"image":"([^"]+)"/.exec(JSON.stringify(workload))?.[1];
  if (found === undefined) throw new Error('the Deployment has no image');
  return found;
}

function replicasOf(workload: readonly KubernetesObject[]): number {
  return Number(/"replicas":(\d+)/.exec(JSON.stringify(workload))?.[1] ?? 1);
}

/** A port of the registry is no tag. */
function splitImage(image: string): readonly [name: string, tag: string] {
  const colon = image.lastIndexOf(':');
  return colon > image.lastIndexOf('/') ? [image.slice(0, colon), image.slice(colon + 1)] : [image, 'latest'];
}

const documents = (objects: readonly KubernetesObject[]) => objects.map(text).join('---\n');

/** As readers of YAML 1.1 and 1.2 read it alike: to kubectl `yes` is a boolean, to others `0o7` is a number. */
function text(value: object): string {
  const document = new Document(value, { schema: 'yaml-1.1', aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, scalar) {
      if (typeof scalar.value === 'string' && /^[-+]?0o/.test(scalar.value)) scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0 });
}
