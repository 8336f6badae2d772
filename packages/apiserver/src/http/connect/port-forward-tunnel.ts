import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { bytesOf, sendBinary } from './web-sockets.ts';

/** KEP-4006: port-forward as SPDY/3.1 in the binary messages of a WebSocket. */
export const webSocketPortForward = 'SPDY/3.1+portforward.k8s.io';
export const spdyPortForward = 'portforward.k8s.io';

/** Joins a client's WebSocket with a kubelet's SPDY connection, byte for byte, until either ends. */
export async function tunnelPortForward(client: WebSocket, kubelet: Duplex): Promise<void> {
  client.once('error', () => client.terminate());
  client.once('close', () => kubelet.destroy());
  client.on('message', (data) => {
    if (kubelet.destroyed || kubelet.write(bytesOf(data))) return;
    client.pause();
  });
  kubelet.on('drain', () => client.resume());
  client.resume();
  try {
    for await (const chunk of kubelet) await sendBinary(client, chunk as Buffer);
    client.close(1000);
  } catch {
    // A kubelet that broke off: the client sees that its connection did not end in order.
    client.close(1011);
  } finally {
    kubelet.destroy();
  }
}
