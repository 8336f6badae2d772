import type { PodInfo } from '@keelson/core/scheduling';

/** Pods that room is being made for, by the node that was promised to them. */
export class Nominator {
  private readonly byNode = new Map<string, Map<string, PodInfo>>();
  private readonly nodeOf = new Map<string, string>();

  set(info: PodInfo, nodeName: string): void {
    this.delete(info.key);
    this.nodeOf.set(info.key, nodeName);
    const known = this.byNode.get(nodeName);
    if (known) known.set(info.key, info);
    else this.byNode.set(nodeName, new Map([[info.key, info]]));
  }

  delete(key: string): boolean {
    const nodeName = this.nodeOf.get(key);
    if (nodeName === undefined) return false;
    this.nodeOf.delete(key);
    const known = this.byNode.get(nodeName);
    known?.delete(key);
    if (known?.size === 0) this.byNode.delete(nodeName);
    return true;
  }

  /** Those of at least the priority of `than`, without that pod itself. */
  readonly expected = (nodeName: string, than: PodInfo): readonly PodInfo[] => {
    const known = this.byNode.get(nodeName);
    if (!known) return nobody;
    return [...known.values()].filter((each) => each.key !== than.key && each.priority >= than.priority);
  };
}

const nobody: readonly PodInfo[] = [];
