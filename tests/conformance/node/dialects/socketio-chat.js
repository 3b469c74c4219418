// As the chat example of the Socket.IO repository: one room, names, and no ack for anything.
import { serve } from "./serving.js";

let numUsers = 0;

serve((io) => {
  io.on("connection", (socket) => {
    let addedUser = false;
    socket.on("new message", (data) => {
      socket.broadcast.emit("new message", { username: socket.username, message: data });
    });
    socket.on("add user", (username) => {
      if (addedUser) return;
      socket.username = username;
      ++numUsers;
      addedUser = true;
      socket.emit("login", { numUsers });
      socket.broadcast.emit("user joined", { username: socket.username, numUsers });
    });
    socket.on("typing", () => {
      socket.broadcast.emit("typing", { username: socket.username });
    });
    socket.on("stop typing", () => {
      socket.broadcast.emit("stop typing", { username: socket.username });
    });
    socket.on("disconnect", () => {
      if (!addedUser) return;
      --numUsers;
      socket.broadcast.emit("user left", { username: socket.username, numUsers });
    });
  });
});
