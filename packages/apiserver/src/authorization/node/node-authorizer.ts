import type { AuthorizationDecision, AuthorizationRequest, Authorizer } from '../../registry/contract.ts';
import { NodeGraph, type RelatedKind } from './node-graph.ts';
import { nodeOf } from './node-identity.ts';
import { nodeRules } from './node-rules.ts';

const leaseNamespace = 'kube-node-lease';
const ownVerbs = ['get', 'create', 'update', 'patch', 'delete'];
const reads = ['get', 'list', 'watch'];
const collections = ['list', 'watch', 'deletecollection'];

const yes: AuthorizationDecision = { allowed: true, reason: '' };
const nothing: AuthorizationDecision = { allowed: false, reason: '' };
const no = (reason: string): AuthorizationDecision => ({ allowed: false, reason });

/** How one resource is decided. */
type Decide = (authorizer: NodeAuthorizer, node: string, request: AuthorizationRequest) => AuthorizationDecision;

/**
 * Holds kubelets to what is theirs (kubernetes.io/docs/reference/access-authn-authz/node): their Node, their pods, and
 * what those refer to. Has no opinion on anybody else; what it does not allow, another authorizer still may.
 */
export class NodeAuthorizer implements Authorizer {
  /** Kept current by `NodeFeed`. */
  readonly graph = new NodeGraph();
  #start: (() => Promise<void>) | undefined;
  #starting: Promise<void> | undefined;

  /** Fills the graph with the first question of a node. A start that fails is tried again by the next. */
  startWhenAsked(start: () => Promise<void>): void {
    this.#start = start;
  }

  authorize(request: AuthorizationRequest): AuthorizationDecision | Promise<AuthorizationDecision> {
    const node = nodeOf(request.user);
    if (node === undefined) return nothing;
    return this.#start
      ? this.#started(this.#start).then(() => this.#decide(node, request))
      : this.#decide(node, request);
  }

  async #started(start: () => Promise<void>): Promise<void> {
    this.#starting ??= start();
    try {
      await this.#starting;
      this.#start = undefined;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
  }

  #decide(node: string, request: AuthorizationRequest): AuthorizationDecision {
    if (node === '') return no(`unknown node for user ${JSON.stringify(request.user.name)}`);
    if (request.resource === undefined) return nothing;
    const place = `${request.group ?? ''}/${request.resource}`;
    const decide = byResource.get(place);
    return decide ? decide(this, node, request) : byRule(place, request);
  }

  /** Whether the object that is named has to do with the node. */
  relates(node: string, kind: RelatedKind, { namespace = '', name = '' }: AuthorizationRequest): AuthorizationDecision {
    if (name === '') return no('No Object name found');
    if (this.graph.relates(node, kind, namespace, name)) return yes;
    return no(`no relationship found between node '${node}' and this object`);
  }
}

function byRule(place: string, { verb, subresource }: AuthorizationRequest): AuthorizationDecision {
  return nodeRules.get(subresource ? `${place}/${subresource}` : place)?.includes(verb) ? yes : nothing;
}

function readOf(kind: RelatedKind): Decide {
  return (authorizer, node, request) => {
    if (!reads.includes(request.verb)) return no('can only read resources of this type');
    if (request.subresource) return no('cannot read subresource');
    if (!request.namespace) return no('can only read namespaced object of this type');
    return authorizer.relates(node, kind, request);
  };
}

function getOf(kind: RelatedKind): Decide {
  return (authorizer, node, request) => {
    if (request.verb !== 'get') return no('can only get individual resources of this type');
    if (request.subresource) return no('cannot get subresource');
    return authorizer.relates(node, kind, request);
  };
}

const getClaim = getOf('persistentvolumeclaims');

const claims: Decide = (authorizer, node, request) => {
  if (request.subresource !== 'status') return getClaim(authorizer, node, request);
  if (request.verb !== 'update' && request.verb !== 'patch') return no('can only get/update/patch this type');
  return authorizer.relates(node, 'persistentvolumeclaims', request);
};

const serviceAccounts: Decide = (authorizer, node, request) => {
  const { verb, name, subresource } = request;
  if (verb !== 'get' || subresource) {
    if (verb !== 'create' || !name) return no('can only create tokens for individual service accounts');
    if (subresource !== 'token') return no('can only create token subresource of serviceaccount');
  }
  return authorizer.relates(node, 'serviceaccounts', request);
};

const leases: Decide = (_authorizer, node, { verb, namespace, name }) => {
  if (!ownVerbs.includes(verb)) return no('can only get, create, update, patch, or delete a node lease');
  if (namespace !== leaseNamespace) return no(`can only access leases in the "${leaseNamespace}" system namespace`);
  if (verb === 'create' || name === node) return yes;
  return no('can only access node lease with the same name as the requesting node');
};

const csiNodes: Decide = (_authorizer, node, { verb, subresource, name }) => {
  if (!ownVerbs.includes(verb)) return no('can only get, create, update, patch, or delete a CSINode');
  if (subresource) return no('cannot authorize CSINode subresources');
  if (verb === 'create' || name === node) return yes;
  return no('can only access CSINode with the same name as the requesting node');
};

const slices: Decide = (authorizer, node, request) => {
  const { verb, subresource } = request;
  if (subresource) return no('cannot authorize ResourceSlice subresources');
  if (verb === 'create') return yes;
  if (collections.includes(verb)) {
    if (selectsNode(request, node)) return yes;
    return no('can only list/watch/deletecollection resourceslices with nodeName field selector');
  }
  if (ownVerbs.includes(verb)) return authorizer.relates(node, 'resourceslices', request);
  const verbs = 'get, watch, list, create, update, patch, delete, deletecollection';
  return no(`only the following verbs are allowed for a ResourceSlice: ${verbs}`);
};

const nodes: Decide = (_authorizer, node, request) => {
  const { verb, subresource, name = '' } = request;
  if (subresource || !reads.includes(verb)) return byRule('/nodes', request);
  if (name === node) return yes;
  const what = name === '' ? 'all nodes' : `'${name}'`;
  return no(`node '${node}' cannot read ${what}, only its own Node object`);
};

const pods: Decide = (authorizer, node, request) => {
  const { verb, subresource, name } = request;
  if (subresource || !reads.includes(verb)) return byRule('/pods', request);
  if (verb !== 'get') {
    if (selectsNode(request, node)) return yes;
    if (!name) return no('can only list/watch pods with spec.nodeName field selector');
  }
  return authorizer.relates(node, 'pods', request);
};

function selectsNode({ fieldSelector = [] }: AuthorizationRequest, node: string): boolean {
  return fieldSelector.some(
    ({ field, operator, value }) => field === 'spec.nodeName' && operator === '=' && value === node,
  );
}

const byResource: ReadonlyMap<string, Decide> = new Map([
  ['/secrets', readOf('secrets')],
  ['/configmaps', readOf('configmaps')],
  ['/persistentvolumeclaims', claims],
  ['/persistentvolumes', getOf('persistentvolumes')],
  ['/serviceaccounts', serviceAccounts],
  ['/nodes', nodes],
  ['/pods', pods],
  ['resource.k8s.io/resourceclaims', getOf('resourceclaims')],
  ['resource.k8s.io/resourceslices', slices],
  ['storage.k8s.io/volumeattachments', getOf('volumeattachments')],
  ['storage.k8s.io/csinodes', csiNodes],
  ['coordination.k8s.io/leases', leases],
]);
