import {
  createClient,
  createLogger,
  getCondition,
  httpTransport,
  InformerFactory,
  loadKubeconfig,
  Pod,
} from '@keelson/core';
import { combineLatest, distinctUntilChanged, fromEvent, interval, map, startWith, takeUntil } from 'rxjs';

const transport = httpTransport(await loadKubeconfig());
const informers = new InformerFactory({ client: createClient(transport), logger: createLogger({ level: 'warn' }) });
const pods = informers.for(Pod);
await pods.waitForSync();

const readiness = ({ status }: Pod) => getCondition(status?.conditions, 'Ready');
const waiting = pods.where({ filter: (pod) => pod.status?.phase !== 'Succeeded' && readiness(pod)?.status !== 'True' });

function isLate(pod: Pod): boolean {
  const since = readiness(pod)?.lastTransitionTime ?? pod.metadata.creationTimestamp ?? '';
  return Date.parse(since) < Date.now() - 60_000;
}

function report(late: readonly Pod[]): string {
  const namespaces = [...new Set(late.map(({ metadata }) => metadata.namespace))].sort();
  const names = (space?: string) =>
    late.flatMap(({ metadata: { namespace, name } }) => (namespace === space ? name : []));
  return namespaces.map((each) => `${each}: ${names(each).sort().join(', ')}`).join('\n') || 'all pods are ready';
}

combineLatest([waiting, interval(1_000).pipe(startWith(0))])
  .pipe(
    map(([found]) => report(found.filter(isLate))),
    distinctUntilChanged(),
    takeUntil(fromEvent(process, 'SIGINT')),
  )
  .subscribe({ next: console.log, complete: () => informers.stop().then(() => transport.close()) });
