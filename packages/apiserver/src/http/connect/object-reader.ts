import {
  EndpointSlice,
  type KubernetesObject,
  Node,
  Pod,
  type ResourceType,
  Service,
  StatusError,
} from '@keelson/core';
import type { ApiHandler, UserInfo } from '../../registry/contract.ts';

/** The API server reading for itself what it needs to find a kubelet, a pod or a service. */
export class ObjectReader {
  readonly #handler: ApiHandler;
  readonly #user: UserInfo;

  constructor(handler: ApiHandler, user: UserInfo) {
    this.#handler = handler;
    this.#user = user;
  }

  pod = (namespace: string, name: string) => this.#get(Pod, name, namespace);
  node = (name: string) => this.#get(Node, name);
  service = (namespace: string, name: string) => this.#get(Service, name, namespace);

  async endpointSlices(namespace: string, service: string): Promise<readonly EndpointSlice[]> {
    const { group, version, plural: resource } = EndpointSlice;
    const options = { labelSelector: `kubernetes.io/service-name=${service}` };
    const answer = await this.#handler.handle(
      { verb: 'list', group, version, resource, namespace, options },
      this.#user,
    );
    const is = (object: KubernetesObject): object is EndpointSlice => object.kind === EndpointSlice.kind;
    return answer.type === 'list' ? answer.value.items.map(({ object }) => object).filter(is) : [];
  }

  async #get<T extends KubernetesObject>(type: ResourceType<T>, name: string, namespace?: string): Promise<T> {
    const { group, version, plural: resource, kind } = type;
    const answer = await this.#handler.handle(
      { verb: 'get', group, version, resource, name, ...(namespace && { namespace }) },
      this.#user,
    );
    const is = (object: KubernetesObject): object is T => object.kind === kind;
    if (answer.type === 'object' && is(answer.value.object)) return answer.value.object;
    throw StatusError.internal(`reading ${resource} ${JSON.stringify(name)} gave something else`);
  }
}
