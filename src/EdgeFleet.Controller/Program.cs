using EdgeFleet.Controller.Hosting;

return await ControllerCommand.Create().Parse(args).InvokeAsync();
