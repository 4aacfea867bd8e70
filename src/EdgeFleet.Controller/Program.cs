using EdgeFleet.Controller.Hosting;

return await ControllerCommand.InvokeAsync(args);
