// The reference: Node's Socket.IO with as much of the contract as the suite needs.
// `node server.js SETTINGS`, as ours.py; ends when its input ends.
import { createServer } from "node:http";
import { Server } from "socket.io";

const settings = JSON.parse(process.argv[2]);
const TOKEN = "the-token";
const ROOM = "the-room";

const http = createServer();
const io = new Server(http, {
  pingInterval: settings.pingInterval * 1000,
  pingTimeout: settings.pingTimeout * 1000,
  connectTimeout: settings.connectTimeout * 1000,
  maxHttpBufferSize: 128 * 1024,
});

const chat = io.of("/chat");

chat.use((socket, next) => {
  if (socket.handshake.auth.token === TOKEN) return next();
  const code = socket.handshake.auth.token ? "token_invalid" : "auth_required";
  next(Object.assign(new Error(code), { data: { retryable: false } }));
});

chat.on("connection", (socket) => {
  socket.on("heads", (payload, ack) => ack?.({ ok: true, heads: {} }));
  socket.on("sync", (payload, ack) => {
    socket.join(ROOM);
    ack?.({ ok: true, conversations: [{ conversation: { conversationId: ROOM } }] });
  });
  socket.on("message", (payload, ack) => {
    ack?.({ ok: true, seq: 1 });
    chat.to(ROOM).emit("message", payload);
  });
});

http.listen(settings.port ?? 0, "127.0.0.1", () => {
  const url = `http://127.0.0.1:${http.address().port}`;
  console.log(JSON.stringify({ url, token: TOKEN }));
});

process.stdin.on("end", () => process.exit(0)).resume();
