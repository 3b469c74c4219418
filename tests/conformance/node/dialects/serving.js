// What the chat servers of this folder share: `node SERVER.js PORT`, over HTTP of express, one
// line when it listens, and the end with the end of its input. What it receives is told, too.
import { createServer } from "node:http";
import express from "express";
import { Server } from "socket.io";

export function serve(wire, options = {}) {
  const app = express();
  app.get("/", (request, response) => response.send("OK"));
  const http = createServer(app);
  const io = new Server(http, options);
  io.on("connection", (socket) => {
    socket.onAny((name, ...args) => console.log(JSON.stringify({ heard: name, args })));
  });
  wire(io, app);
  http.listen(Number(process.argv[2] ?? 3000), "127.0.0.1", () => {
    console.log(JSON.stringify({ url: `http://127.0.0.1:${http.address().port}` }));
  });
  process.stdin.on("end", () => process.exit(0)).resume();
}
