// It speaks first, in two namespaces, and any event that comes ends it: so it is with many small
// servers, which take what they get to be what they expect.
import { serve } from "./serving.js";

serve((io) => {
  const speak = (socket) => {
    socket.onAny((name) => process.exit(`${name} was not expected`.length));
    socket.emit("chat", { user: "eva", body: "hello", _id: "m1", createdAt: "2026-01-01T00:00:00Z" });
    socket.emit("chat", { user: "eva", body: "again", _id: "m2", createdAt: "2026-01-01T00:00:01Z" });
    socket.emit("stats", 3, ["a"]);
    socket.emit("picture", Buffer.from([1, 2, 3]));
    socket.emit("after the picture");
  };
  io.on("connection", speak);
  io.of("/news").on("connection", speak);
  io.of("/members").use((socket, next) => next(new Error("members only")));
}, process.argv[3] ? JSON.parse(process.argv[3]) : {});
